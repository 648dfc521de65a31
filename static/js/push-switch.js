import { csrfToken } from "realtime/page"

/**
 * <push-switch key="…" action="…"> holds a button and turns push on for this browser. Where it
 * cannot be, one of its <p data-when="…"> says why: "unsupported", "denied" or "failed".
 * `[data-endpoint]` are the browsers that are on already; the one that is this says so.
 */
export class PushSwitch extends HTMLElement {
  connectedCallback() {
    this.#button.addEventListener("click", this.#turnOn)
    this.#look()
  }

  disconnectedCallback() {
    this.#button.removeEventListener("click", this.#turnOn)
  }

  get #button() {
    return this.querySelector("button")
  }

  async #look() {
    if (!("serviceWorker" in navigator) || !("PushManager" in window)) return this.#say("unsupported")
    if (Notification.permission === "denied") return this.#say("denied")
    const worker = await navigator.serviceWorker.getRegistration("/")
    const subscription = await worker?.pushManager.getSubscription()
    const here = [...document.querySelectorAll("[data-endpoint]")].find(
      ({ dataset }) => dataset.endpoint === subscription?.endpoint,
    )
    here?.querySelector("[data-here]")?.removeAttribute("hidden")
    this.#button.hidden = Boolean(here)
  }

  #turnOn = async () => {
    this.#button.disabled = true
    try {
      if ((await Notification.requestPermission()) !== "granted") return this.#say("denied")
      await this.#send(await this.#subscription())
      location.reload()
    } catch {
      this.#say("failed")
    } finally {
      this.#button.disabled = false
    }
  }

  async #subscription() {
    await navigator.serviceWorker.register("/service-worker.js")
    const { pushManager } = await navigator.serviceWorker.ready
    // What is there may be of somebody else who signed in on this device before.
    await (await pushManager.getSubscription())?.unsubscribe()
    return pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: this.getAttribute("key"),
    })
  }

  async #send(subscription) {
    const { keys } = subscription.toJSON()
    const answer = await fetch(this.getAttribute("action"), {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-CSRFToken": csrfToken(),
        "X-Vigil-Organization": document.body.dataset.organization ?? "",
      },
      body: JSON.stringify({
        endpoint: subscription.endpoint,
        public_key: keys.p256dh,
        secret: keys.auth,
      }),
    })
    if (!answer.ok) throw new Error("The subscription was not kept.")
  }

  #say(why) {
    for (const line of this.querySelectorAll("[data-when]")) line.hidden = line.dataset.when !== why
    this.#button.hidden = why === "unsupported"
  }
}

customElements.define("push-switch", PushSwitch)
