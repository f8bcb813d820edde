import { BEGINNING_BYTES, beginsAsPicture } from '../image-header.ts';
import type { Notice } from './notices.ts';

/** What of some files the pipeline can take, and the names of the others. */
export interface ChosenFiles {
  taken: File[];
  leftOut: string[];
  /** Those of the left out that are pictures by their names alone: damaged from their first bytes on, or something else. */
  unlike: string[];
}

/** Types of pictures that are taken. */
const PICTURE_TYPE = /^image\/(jpeg|png|webp|gif|bmp|avif)$/;
/** How many names a notice holds. */
const NAMED = 3;

/**
 * Takes out what is no picture, video or sound before any of it is read: a letter that was dropped among photographs is no failure of a
 * model, and is not counted as one.
 * @param hears whether the pipeline hears, rather than sees
 */
export async function chooseFiles(files: Iterable<File>, hears: boolean): Promise<ChosenFiles> {
  const chosen: ChosenFiles = { taken: [], leftOut: [], unlike: [] };
  for (const file of files) {
    if (await (hears ? hasSound(file) : isSeen(file))) {
      chosen.taken.push(file);
      continue;
    }
    chosen.leftOut.push(file.name);
    if (!hears && PICTURE_TYPE.test(file.type)) chosen.unlike.push(file.name);
  }
  return chosen;
}

export function leftOutNotice({ leftOut, unlike }: Omit<ChosenFiles, 'taken'>, hears: boolean): Notice | undefined {
  if (leftOut.length === 0) return undefined;
  const more = leftOut.length - NAMED;
  const names = `${leftOut.slice(0, NAMED).join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
  return {
    text: leftOut.length === 1 ? `${names} was not taken.` : `${leftOut.length} files were not taken: ${names}.`,
    hint: hears ? 'What runs here hears: it takes sounds, and videos with sound.' : seenHint(unlike, leftOut.length),
  };
}

function seenHint(unlike: readonly string[], leftOut: number): string {
  const isOne = unlike.length === 1;
  const damaged = `no picture, though ${isOne ? 'its name says' : 'their names say'} so: damaged, or something else.`;
  if (unlike.length === leftOut) return `What is in ${isOne ? 'it' : 'them'} is ${damaged}`;
  const kinds = 'What runs here sees: it takes pictures (JPEG, PNG, WebP, GIF, BMP, AVIF) and videos.';
  return unlike.length === 0 ? kinds : `${kinds} ${isOne ? 'One of these is' : `${unlike.length} of these are`} ${damaged}`;
}

/** By its first bytes where it is no video: names lie, and browsers go by names. A folder has no bytes. */
async function isSeen(file: File): Promise<boolean> {
  if (file.type.startsWith('video/')) return true;
  if (file.type !== '' && !file.type.startsWith('image/')) return false;
  const bytes = await file
    .slice(0, BEGINNING_BYTES)
    .arrayBuffer()
    .catch(() => new ArrayBuffer(0));
  return beginsAsPicture(new Uint8Array(bytes));
}

/** A browser that does not know a kind finds out when it decodes it. */
function hasSound({ type, size }: File): boolean {
  return size > 0 && (type === '' || /^(audio|video)\/|^application\/ogg$/.test(type));
}
