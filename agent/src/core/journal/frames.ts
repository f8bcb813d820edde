/** CRC-32 (ISO 3309), as PNG and gzip use it: tells a torn or rotten record from a whole one. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (table[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const HEADER_BYTES = 8;

/** A record with its length and checksum in front. */
export function frameRecord(record: Uint8Array): Uint8Array {
  const framed = new Uint8Array(HEADER_BYTES + record.length);
  const view = new DataView(framed.buffer);
  view.setUint32(0, record.length);
  view.setUint32(4, crc32(record));
  framed.set(record, HEADER_BYTES);
  return framed;
}

/** All whole records from the start; whatever follows the first torn or rotten one is not to be trusted. */
export function readFrames(bytes: Uint8Array): { records: Uint8Array[]; wholeBytes: number } {
  const records: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const length = view.getUint32(at);
    const record = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
    if (record.length !== length || crc32(record) !== view.getUint32(at + 4)) break;
    records.push(record);
    at += HEADER_BYTES + length;
  }
  return { records, wholeBytes: at };
}
