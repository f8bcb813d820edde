import { createSystemClock } from './clock.ts';
import { type BrowserAgent, createAgent } from './create-agent.ts';
import type { Watching } from './sources/stream.ts';
import { watchedText } from './watched-text.ts';

const clock = createSystemClock();
const style = new CSSStyleSheet();
style.replaceSync(`
  :host { display: block }
  canvas { display: block; width: 100%; height: auto }
  [role='status'] p { margin: 0; padding: 0.5em 1em; font: 600 1rem system-ui, sans-serif; background: #5c2b00; color: #fff }
  [role='status'] p::before { content: '\\25cf\\00a0' / '' }
`);

/**
 * `<starling-camera fleet="https://fleet.example" token="starling1...">`: an agent that reads a camera, and shows what it reads.
 * Attributes: `fleet` (by default where the page comes from), `token`, `name`, `camera` (id of a device). Events: `status`, `result` and
 * `problem`, with what they say in `detail`. While somebody watches an edge of its pipeline from afar, it says so below the picture; no
 * attribute takes that away.
 */
export class StarlingCamera extends HTMLElement {
  #agent: BrowserAgent | undefined;
  #watching: Watching | undefined;
  readonly #canvas = document.createElement('canvas');
  /** Is there from the start: screen readers announce what comes into a region that they know. */
  readonly #said = document.createElement('div');

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [style];
    this.#said.setAttribute('role', 'status');
    root.append(this.#canvas, this.#said);
  }

  connectedCallback(): void {
    this.#start().catch((error: unknown) => this.#tell('problem', error));
  }

  disconnectedCallback(): void {
    this.#watching?.stop();
    void this.#agent?.close();
    this.#watching = undefined;
    this.#agent = undefined;
  }

  async #start(): Promise<void> {
    const [token, name] = [this.getAttribute('token'), this.getAttribute('name')];
    const options = {
      fleet: this.getAttribute('fleet') ?? location.origin,
      canvas: this.#canvas,
      ...(token === null ? {} : { token }),
      ...(name === null ? {} : { name }),
    };
    const agent = await createAgent(options, (starting) => {
      this.#agent = starting;
      starting.on('status', (status) => {
        this.#showWatched(watchedText(status.agent?.taps ?? [], clock.wallMs()));
        this.#tell('status', status);
      });
      starting.on('result', (result) => this.#tell('result', result));
      starting.on('problem', ({ error }) => error !== undefined && this.#tell('problem', error));
    });
    // It was taken out of the page meanwhile.
    if (this.#agent !== agent) return;
    this.#watching = await agent.camera(this.getAttribute('camera') ?? '');
  }

  #showWatched(text: string): void {
    if (this.#said.textContent === text) return;
    const line = document.createElement('p');
    line.textContent = text;
    this.#said.replaceChildren(...(text === '' ? [] : [line]));
  }

  #tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Makes `<starling-camera>` known to this page. */
export function defineStarlingCamera(tag = 'starling-camera'): void {
  if (customElements.get(tag) === undefined) customElements.define(tag, StarlingCamera);
}
