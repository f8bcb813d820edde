/** Decompresses deflate-raw (RFC 1951). @throws if the result would be longer than `maximumBytes` */
export type Inflate = (bytes: Uint8Array, maximumBytes: number) => Promise<Uint8Array>;
