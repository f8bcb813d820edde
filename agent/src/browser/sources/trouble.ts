import { isStarlingError, type StarlingError } from '@starling/shared';

/** Nothing runs yet, or something newer took the place: what comes next comes by itself. */
const PASSING: ReadonlySet<string> = new Set(['no-release', 'dropped', 'overloaded']);

/** What becomes of the items of a source that never ends, told only when it changes. */
export interface Trouble {
  /** An item was read. */
  over(): void;
  /** An item failed. @throws what is no error of an agent */
  failed(error: unknown): void;
  /** Nothing is told any more. */
  end(): void;
}

export function createTrouble(onTrouble: ((error: StarlingError | undefined) => void) | undefined): Trouble {
  let told: string | undefined;
  let ended = false;
  const tell = (error: StarlingError | undefined): void => {
    if (ended || error?.message === told) return;
    told = error?.message;
    onTrouble?.(error);
  };
  return {
    over: () => tell(undefined),
    failed(error) {
      if (!isStarlingError(error)) throw error;
      if (!PASSING.has(error.code)) tell(error);
    },
    end() {
      ended = true;
    },
  };
}
