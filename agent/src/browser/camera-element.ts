import { StarlingError } from '@starling/shared';
import { createSystemClock } from './clock.ts';
import { type AgentEvents, type BrowserAgent, createAgent } from './create-agent.ts';
import type { Watching } from './sources/stream.ts';
import { watchedText } from './watched-text.ts';
import { whyUnread } from './why-unread.ts';

const clock = createSystemClock();
const style = new CSSStyleSheet();
style.replaceSync(`
  :host { display: block }
  canvas { display: block; width: 100%; height: auto }
  [role='status'] p { margin: 0; padding: 0.5em 1em; font: 600 1rem system-ui, sans-serif; background: #5c2b00; color: #fff }
  [role='status'] p.why { font-weight: 400; background: #14201e }
  [role='status'] p:not(.why)::before { content: '\\25cf\\00a0' / '' }
`);

/**
 * `<starling-camera fleet="https://fleet.example" token="starling1...">`: an agent that reads a camera, and shows what it reads.
 * Attributes: `fleet` (by default where the page comes from), `token`, `name`, `camera` (id of a device). Events: `status`, `result` and
 * `problem`, with what they say in `detail`. Where it reads nothing, it says why below the picture. While somebody watches an edge of its
 * pipeline from afar, it says that there too; no attribute takes that away.
 */
export class StarlingCamera extends HTMLElement {
  #agent: BrowserAgent | undefined;
  #watching: Watching | undefined;
  #failure: unknown;
  #trouble: AgentEvents['problem']['error'];
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
    [this.#failure, this.#trouble] = [undefined, undefined];
    this.#say();
    this.#start().catch((error: unknown) => this.#fail(error));
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
        this.#say();
        this.#tell('status', status);
      });
      starting.on('result', (result) => this.#tell('result', result));
      starting.on('problem', ({ error }) => {
        this.#trouble = error;
        this.#say();
        if (error !== undefined) this.#tell('problem', error);
      });
    });
    // It was taken out of the page meanwhile.
    if (this.#agent !== agent) return;
    this.#watching = await agent.camera(this.getAttribute('camera') ?? '');
    this.#say();
    const { srcObject } = this.#watching.video;
    if (srcObject instanceof MediaStream) srcObject.getVideoTracks()[0]?.addEventListener('ended', () => this.#fail(cameraEnded()));
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.#say();
    this.#tell('problem', error);
  }

  #say(): void {
    const status = this.#agent?.status;
    const isWatching = this.#watching !== undefined;
    const why = whyUnread({ status, isWatching, failure: this.#failure, trouble: this.#trouble, attributes: this.getAttributeNames() });
    const said = [watchedText(status?.agent?.taps ?? [], clock.wallMs()), why];
    const text = said.join('\n');
    if (this.#said.dataset.text === text) return;
    this.#said.dataset.text = text;
    const lines = said.map((each, index) => {
      const line = document.createElement('p');
      line.textContent = each;
      line.classList.toggle('why', index === 1);
      return line;
    });
    this.#said.replaceChildren(...lines.filter(({ textContent }) => textContent !== ''));
  }

  #tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function cameraEnded(): StarlingError {
  return new StarlingError('no-camera', 'the camera has ended', { hint: 'plug it in, or allow it, and load the page again' });
}

/** Makes `<starling-camera>` known to this page. */
export function defineStarlingCamera(tag = 'starling-camera'): void {
  if (customElements.get(tag) === undefined) customElements.define(tag, StarlingCamera);
}
