import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import type { Inflate } from '../core/ports/inflate.ts';

const inflateAsync = promisify(inflateRaw);

export const inflate: Inflate = async (bytes, maximumBytes) => new Uint8Array(await inflateAsync(bytes, { maxOutputLength: maximumBytes }));
