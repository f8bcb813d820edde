/** The time in which one thing is seen or heard: a camera, a screen, some files. */
export interface Turn {
  /** Whether nothing has taken its place yet. */
  readonly isOn: boolean;
  /** Takes what is to be stopped when the turn ends; it is stopped at once where it came too late. */
  hold(held: { stop(): void }): void;
  /** As `tell` for as long as the turn is on, and silent from then on: what comes late belongs to nothing that is shown. */
  whileOn<Given extends readonly unknown[]>(tell: (...given: Given) => void): (...given: Given) => void;
}

export interface Turns {
  /** Whether something runs that somebody could stop. */
  readonly isHeld: boolean;
  /** Ends the turn before. */
  begin(): Turn;
  end(): void;
}

/** One turn after the other: whose results and errors count, and what has to be stopped. */
export function createTurns(): Turns {
  let current: Turn | undefined;
  let held: { stop(): void } | undefined;
  const end = (): void => {
    current = undefined;
    held?.stop();
    held = undefined;
  };
  return {
    get isHeld() {
      return held !== undefined;
    },
    begin() {
      end();
      const turn: Turn = {
        get isOn() {
          return current === turn;
        },
        hold(given) {
          if (current !== turn) return given.stop();
          held = given;
        },
        whileOn:
          (tell) =>
          (...given) => {
            if (current === turn) tell(...given);
          },
      };
      current = turn;
      return turn;
    },
    end,
  };
}
