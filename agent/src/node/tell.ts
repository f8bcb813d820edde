/** Something that people who look after a device should know; it becomes a record of kind `events`. */
export type Tell = (level: 'info' | 'warning' | 'error', code: string, message: string, detail?: Record<string, unknown>) => void;

/** What goes wrong again and again is told once, and once that it is over. */
export interface Episode {
  failed(code: string, message: string, detail?: Record<string, unknown>): void;
  recovered(detail?: Record<string, unknown>): void;
}

/** @param recoveredCode event that ends the episode */
export function createEpisode(tell: Tell, recoveredCode: string, subject: Record<string, unknown>): Episode {
  let current: string | undefined;
  return {
    failed(code, message, detail = {}) {
      if (current === code) return;
      current = code;
      tell('warning', code, message, { ...subject, ...detail });
    },
    recovered(detail = {}) {
      if (current === undefined) return;
      tell('info', recoveredCode, `after ${current}`, { ...subject, ...detail });
      current = undefined;
    },
  };
}
