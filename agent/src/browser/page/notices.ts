import { isStarlingError, messageOf } from '@starling/shared';
import { element, make } from './elements.ts';

export interface Notice {
  text: string;
  /** What to do. */
  hint?: string | undefined;
  isBad?: boolean;
}

/** Notices by what they are about; one about the same thing takes the place of the other. */
export function createNotices(): { show(about: string, notice: Notice | undefined): void; fail(about: string, error: unknown): void } {
  const place = element('notices', HTMLDivElement);
  const shown = new Map<string, { text: string; node: HTMLElement }>();
  const show = (about: string, notice: Notice | undefined): void => {
    const known = shown.get(about);
    const text = notice === undefined ? '' : `${notice.text}\n${notice.hint ?? ''}`;
    if (known?.text === text) return;
    known?.node.remove();
    shown.delete(about);
    if (notice === undefined) return;
    const node = make('div', '', {
      class: notice.isBad === true ? 'notice bad' : 'notice',
      role: notice.isBad === true ? 'alert' : 'status',
    });
    node.append(make('p', notice.text));
    if (notice.hint !== undefined) node.append(make('p', notice.hint));
    place.append(node);
    shown.set(about, { text, node });
  };
  return {
    show,
    fail(about, error) {
      show(about, { text: messageOf(error), hint: isStarlingError(error) ? error.hint : undefined, isBad: true });
    },
  };
}
