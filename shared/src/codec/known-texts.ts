import { type Token, Tokenizer } from 'cborg';

/** Keys and ids are this long at most; 0x78 is a text whose length stands in the byte after it (RFC 8949, section 3.1). */
const BYTES_MAXIMUM = 31;
const SHORT_TEXT = 0x60;
const TEXT_OF_BYTE = 0x78;
const PLACES = 4096;
/** FNV-1a, 32 bits. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Texts that were read before, each in the place that its bytes lead to: whoever comes later takes it. */
const known = new Map<number, Token>();

/**
 * Reads CBOR, and of short texts only those anew that are new. Messages of one kind have the same keys, and records of one message the same
 * ids: read one by one each would be a string of its own, put together letter by letter, that is kept as long as its record.
 */
export class KnownTextTokenizer extends Tokenizer {
  override next(): Token {
    const { data, _pos: position } = this;
    const first = data[position] as number;
    const isOfByte = first === TEXT_OF_BYTE;
    if (!isOfByte && (first < SHORT_TEXT || first > TEXT_OF_BYTE)) return super.next();
    const from = position + (isOfByte ? 2 : 1);
    const length = isOfByte ? (data[position + 1] as number) : first - SHORT_TEXT;
    if (length > BYTES_MAXIMUM || from + length > data.length) return super.next();
    const place = placeOf(data, from, length);
    const before = known.get(place);
    if (before !== undefined && before.encodedLength === from + length - position && isText(before.value, data, from)) {
      this._pos = from + length;
      return before;
    }
    const token = super.next();
    // Only texts of ASCII have as many letters as bytes, and are compared by their letters.
    if (token.value.length === length) known.set(place, token);
    return token;
  }
}

function placeOf(data: Uint8Array, from: number, length: number): number {
  let hash = FNV_OFFSET;
  for (let index = from; index < from + length; index += 1) hash = Math.imul(hash ^ (data[index] as number), FNV_PRIME);
  return (hash ^ (hash >>> 16)) & (PLACES - 1);
}

function isText(text: string, data: Uint8Array, from: number): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) !== data[from + index]) return false;
  return true;
}
