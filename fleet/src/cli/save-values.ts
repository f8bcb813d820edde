import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, type TapValueView } from '@starling/shared';
import { cliError } from './errors.ts';

/** Writes values of edges into a folder: pictures as they are, all else as JSON. */
export interface ValueFolder {
  /** @returns the file */
  save(value: TapValueView): Promise<string>;
}

/** @throws StarlingError `bad-file` if the folder cannot be made */
export async function openValueFolder(folder: string): Promise<ValueFolder> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw cliError('bad-file', `${folder} cannot be made: ${messageOf(cause)}`, { field: '--save', cause });
  }
  return {
    async save(told) {
      const { edge = 'end', sequence, value } = told;
      const name = `${String(sequence).padStart(6, '0')}-${edge.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 120)}`;
      const isPicture = value?.kind === 'image';
      const file = join(
        folder,
        isPicture ? `${name}.${value.thumbnail.format === 'jpeg' ? 'jpg' : value.thumbnail.format}` : `${name}.json`,
      );
      try {
        await writeFile(file, isPicture ? Buffer.from(value.thumbnail.data, 'base64') : JSON.stringify(told, undefined, 2));
      } catch (cause) {
        throw cliError('bad-file', `${file} cannot be written: ${messageOf(cause)}`, { field: '--save', cause });
      }
      return file;
    },
  };
}
