const ONE_YEAR = 365 * 24 * 60 * 60 // seconds

/**
 * <theme-switch> holds a form with radio buttons named `theme`: "light", "dark" or "system" (as
 * the device has it). The choice takes effect at once and becomes a cookie, so that the server
 * writes it into <html> and no page flashes; a form with an action also tells the account.
 */
export class ThemeSwitch extends HTMLElement {
  connectedCallback() {
    const chosen = document.documentElement.dataset.theme ?? "system"
    for (const radio of this.querySelectorAll("input[name=theme]")) {
      radio.checked = radio.value === chosen
    }
    this.addEventListener("change", this.#choose)
  }

  disconnectedCallback() {
    this.removeEventListener("change", this.#choose)
  }

  #choose = ({ target: { value, form } }) => {
    const { dataset } = document.documentElement
    if (value === "system") delete dataset.theme
    else dataset.theme = value
    const lifetime = value === "system" ? 0 : ONE_YEAR
    const secure = location.protocol === "https:" ? "; secure" : ""
    document.cookie = `theme=${value}; path=/; max-age=${lifetime}; samesite=lax${secure}`
    if (form?.getAttribute("action")) this.#remember(form)
  }

  #remember(form) {
    // Without a line the cookie still holds on this device.
    fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      redirect: "manual",
      keepalive: true,
    }).catch(() => {})
  }
}

customElements.define("theme-switch", ThemeSwitch)
