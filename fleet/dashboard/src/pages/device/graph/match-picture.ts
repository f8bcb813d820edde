import type { TapValueView } from '@starling/shared';
import type { PictureView } from './decode-value.ts';

/** Values of a port that may wait for their picture: each port keeps to its own rate, so now and then they are of different items. */
const PATIENCE = 4;

export interface Shown {
  value: TapValueView;
  picture: PictureView | undefined;
}

/**
 * What is shown of a port: the newest value whose picture is there, unless that is too old; then the newest alone.
 * @param values newest last
 */
export function matchPicture(values: readonly TapValueView[], pictures: readonly TapValueView[]): Shown | undefined {
  const recent = values.slice(-PATIENCE).toReversed();
  for (const value of recent) {
    // Boxes over the picture of another item would show something where nothing is.
    const picture = pictures.findLast(({ item }) => item !== undefined && isSameItem(item, value.item));
    if (picture?.value?.kind === 'image') return { value, picture: picture.value };
  }
  const [newest] = recent;
  return newest === undefined ? undefined : { value: newest, picture: undefined };
}

function isSameItem(one: NonNullable<TapValueView['item']>, other: TapValueView['item']): boolean {
  return one.sequence === other?.sequence && one.stream === other.stream;
}
