/** SHA-256 in lower-case hex. A port, for what Web Crypto offers copies its input, and 100 MB of chunks are 100 MB of copies. */
export type Hash = (bytes: Uint8Array) => string | Promise<string>;
