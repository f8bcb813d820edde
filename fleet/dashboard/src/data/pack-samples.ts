import { DATASET_BYTES_MAXIMUM, DATASET_FILES_MAXIMUM, isLitter, packDataset, StarlingError } from '@starling/shared';

/** A file of a folder of samples, by its path below the folder. */
export interface SampleFile {
  name: string;
  file: File;
}

/**
 * A folder of samples as the zip archive that the command line would make of it: equal files, equal digest. An archive stays as it is.
 * @param field what to call the samples in errors
 * @throws StarlingError `dataset-empty`, `dataset-too-large`
 */
export async function packSamples(samples: readonly SampleFile[], field: string): Promise<File> {
  const kept = samples.filter(({ name }) => !isLitter(name));
  const [first] = kept;
  if (first === undefined)
    throw new StarlingError('dataset-empty', 'the folder holds no sample', { field, hint: 'choose a folder of images or .npy tensors' });
  const totalBytes = kept.reduce((sum, { file }) => sum + file.size, 0);
  if (kept.length > DATASET_FILES_MAXIMUM || totalBytes > DATASET_BYTES_MAXIMUM) {
    throw new StarlingError('dataset-too-large', `${kept.length} files are more than a data set takes`, {
      field,
      hint: 'use fewer or smaller samples',
    });
  }
  if (kept.length === 1 && isArchive(first)) return first.file;
  const pieces: BlobPart[] = [];
  for await (const piece of packDataset(kept.map(({ name, file }) => ({ name, read: () => piecesOf(file) }))))
    pieces.push(piece as BlobPart);
  return new File(pieces, `${field}.zip`, { type: 'application/zip' });
}

/** What was dropped: folders with all that lies in them, by their paths below the folder, and files by their names. */
export async function droppedSamples(items: DataTransferItemList): Promise<SampleFile[]> {
  // The list is emptied as soon as the event is over, so all of it is taken at once.
  const dropped = [...items].map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found = await Promise.all(
    dropped.map(async ({ entry, file }): Promise<SampleFile[]> => {
      // What no file system holds, such as a picture dragged out of another page, has no entry.
      if (entry === null) return file === null ? [] : [{ name: file.name, file }];
      return entry.isDirectory ? filesBelow(entry as FileSystemDirectoryEntry, '') : filesOf(entry, entry.name);
    }),
  );
  return found.flat();
}

/** What was chosen through a field that takes a folder. */
export function chosenSamples(files: FileList): SampleFile[] {
  return [...files].map((file) => ({ file, name: file.webkitRelativePath.split('/').slice(1).join('/') || file.name }));
}

function isArchive({ name }: SampleFile): boolean {
  return name.toLowerCase().endsWith('.zip');
}

async function* piecesOf(file: File): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
}

async function filesBelow(folder: FileSystemDirectoryEntry, prefix: string): Promise<SampleFile[]> {
  const reader = folder.createReader();
  const found: SampleFile[] = [];
  // A reading answers with a part of the folder; the last one is empty.
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return found;
    for (const entry of entries) {
      const name = `${prefix}${entry.name}`;
      found.push(...(entry.isDirectory ? await filesBelow(entry as FileSystemDirectoryEntry, `${name}/`) : await filesOf(entry, name)));
    }
  }
}

async function filesOf(entry: FileSystemEntry, name: string): Promise<SampleFile[]> {
  const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
  return [{ name, file }];
}
