const ONE_YEAR = 365 * 24 * 60 * 60 // seconds

/**
 * <theme-switch> holds radio buttons named `theme`: "light", "dark" or "" (as the device has it).
 * The choice is a cookie, so that the server writes it into <html> and no page flashes.
 */
export class ThemeSwitch extends HTMLElement {
  connectedCallback() {
    const chosen = document.documentElement.dataset.theme ?? ""
    for (const radio of this.#radios) radio.checked = radio.value === chosen
    this.addEventListener("change", this.#choose)
  }

  disconnectedCallback() {
    this.removeEventListener("change", this.#choose)
  }

  get #radios() {
    return this.querySelectorAll("input[name=theme]")
  }

  #choose = (event) => {
    const theme = event.target.value
    if (theme) document.documentElement.dataset.theme = theme
    else delete document.documentElement.dataset.theme
    const lifetime = theme ? ONE_YEAR : 0
    const secure = location.protocol === "https:" ? "; secure" : ""
    document.cookie = `theme=${theme}; path=/; max-age=${lifetime}; samesite=lax${secure}`
  }
}

customElements.define("theme-switch", ThemeSwitch)
