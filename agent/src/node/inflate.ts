import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import type { Inflate } from '../core/ports/inflate.ts';

const inflateAsync = promisify(inflateRaw);

export const inflate: Inflate = (bytes, maximumBytes) => inflateAsync(bytes, { maxOutputLength: maximumBytes });
