import { readFile, stat } from 'node:fs/promises';
import { DOCUMENT_BYTES_MAXIMUM, messageOf } from '@starling/shared';
import { parse } from 'yaml';
import type { z } from 'zod';
import { cliError } from './errors.ts';
import { formatBytes } from './printable.ts';

/**
 * Reads a document that a person wrote, YAML or JSON.
 * @param field what to call it in errors: the flag or argument that named the file
 * @throws StarlingError `bad-file`, `bad-document` that names the offending key
 */
export async function readDocument<Schema extends z.ZodType>(path: string, field: string, schema: Schema): Promise<z.infer<Schema>> {
  await requireFile(path, field, DOCUMENT_BYTES_MAXIMUM);
  let value: unknown;
  try {
    value = parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw cliError('bad-document', `${path} is neither YAML nor JSON: ${messageOf(cause).split('\n')[0]}`, { field, cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw cliError('bad-document', `${path} holds no keys and values`, {
      field,
      hint: 'write it like "title: Text detection", a line each',
    });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const key = issue?.path.join('.') ?? '';
  const missing = issue?.code === 'invalid_type' && /received undefined/.test(issue.message);
  throw cliError('bad-document', `${path}: ${key === '' ? '' : `${key}: `}${missing ? 'is missing' : (issue?.message ?? 'invalid')}`, {
    field: key === '' ? field : key,
    hint: missing ? `add "${key}: ..." to ${path}` : `correct ${key === '' ? 'it' : key} in ${path}`,
  });
}

/**
 * A regular file with something in it.
 * @returns its size
 * @throws StarlingError `bad-file`
 */
export async function requireFile(path: string, field: string, maximumBytes: number): Promise<number> {
  const found = await stat(path).catch((cause: unknown) => {
    const isAbsent = (cause as { code?: unknown }).code === 'ENOENT';
    throw cliError('bad-file', isAbsent ? `there is no file ${path}` : messageOf(cause), {
      field,
      hint: isAbsent ? 'give the path of a file; a relative one starts where you are' : 'give a file that you may read',
      cause,
    });
  });
  if (!found.isFile()) throw cliError('bad-file', `${path} is no regular file`, { field, hint: 'give the path of a file' });
  if (found.size === 0) throw cliError('bad-file', `${path} is empty (0 bytes)`, { field, hint: 'was its download cut off?' });
  if (found.size > maximumBytes) {
    throw cliError('bad-file', `${path} has ${formatBytes(found.size)}, at most ${formatBytes(maximumBytes)} are taken`, { field });
  }
  return found.size;
}
