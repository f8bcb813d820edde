import { StarlingError, type TapValueView } from '@starling/shared';

/** One stream of values, for one who looks. */
export interface TapViewer {
  /** The next event as JSON, or undefined when there is none for now. */
  next(): string | undefined;
  /** The last event was taken: nothing follows. */
  readonly isOver: boolean;
  /** @param wake called when there is something to take */
  onReady(wake: () => void): void;
  close(): void;
}

export interface Viewers {
  /** @throws StarlingError `too-many-viewers` */
  open(): TapViewer;
  /** To everyone who looks. Nobody is waited for. */
  send(value: TapValueView): void;
  readonly count: number;
}

/** Streams of one tap. */
const VIEWERS_MAXIMUM = 8;
/** What may wait for one slow viewer; older values give way to newer ones. */
const WAITING_CHARACTERS_MAXIMUM = 4 * 1024 * 1024;
/** The newest values that one who comes later sees at once. */
const NEWEST_MAXIMUM = 16;

/** @param onEmpty the last viewer has gone */
export function createViewers(onEmpty: () => void): Viewers {
  const open = new Set<{ take(value: TapValueView): void }>();
  // By edge, the one that was sent last at the end.
  const newest = new Map<string, TapValueView>();
  return {
    open() {
      if (open.size >= VIEWERS_MAXIMUM) {
        throw new StarlingError('too-many-viewers', `${VIEWERS_MAXIMUM} look at this tap already`, {
          hint: 'start a tap of your own',
          retryable: true,
        });
      }
      const { viewer, take } = createViewer(() => {
        if (open.delete(entry) && open.size === 0) onEmpty();
      });
      const entry = { take };
      open.add(entry);
      for (const value of newest.values()) take(value);
      return viewer;
    },
    send(value) {
      const key = value.edge ?? '';
      newest.delete(key);
      newest.set(key, value);
      if (newest.size > NEWEST_MAXIMUM) newest.delete(newest.keys().next().value as string);
      for (const { take } of open) take(value);
    },
    get count() {
      return open.size;
    },
  };
}

function createViewer(onClose: () => void): { viewer: TapViewer; take(value: TapValueView): void } {
  let waiting: { value: TapValueView; characters: number }[] = [];
  let characters = 0;
  let behind = 0;
  let isOver = false;
  let wake = (): void => undefined;
  const viewer: TapViewer = {
    next() {
      const entry = waiting.shift();
      if (entry === undefined) return undefined;
      characters -= entry.characters;
      isOver = entry.value.end !== undefined;
      return JSON.stringify({ ...entry.value, behind });
    },
    get isOver() {
      return isOver;
    },
    onReady(given) {
      wake = given;
    },
    close() {
      waiting = [];
      onClose();
    },
  };
  return {
    viewer,
    take(value) {
      const size = JSON.stringify(value).length;
      waiting.push({ value, characters: size });
      characters += size;
      while (characters > WAITING_CHARACTERS_MAXIMUM && waiting.length > 1) {
        characters -= waiting.shift()?.characters ?? 0;
        behind += 1;
      }
      wake();
    },
  };
}
