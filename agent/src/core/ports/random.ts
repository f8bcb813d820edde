export interface Random {
  bytes(count: number): Uint8Array;
  /** 0 <= x < 1 */
  number(): number;
}
