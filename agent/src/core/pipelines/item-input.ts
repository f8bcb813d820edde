/** What comes into a graph. */
export interface ItemInput {
  /** By `input.NAME`, or `NODE.PORT` of a source. What is not named stays away. */
  values: Readonly<Record<string, unknown>>;
  /** Items of one stream follow each other. */
  stream: string;
  /** When it was taken, in milliseconds since 1970. */
  timeMs: number;
  /** The number that it had in its stream, of an item that runs again or comes from another machine. Others are numbered as they come. */
  sequence?: number | undefined;
  /** The number by which whoever watches knows it, if not its own: in a graph inside another that of the item outside. */
  seenAs?: number | undefined;
  traceId?: string | undefined;
  /** Where in a trace it stands, for machines that go on with it (W3C Trace Context); only of an item whose way is recorded. */
  traceparent?: string | undefined;
  /** Names what comes of it, where that leaves the device. */
  resultId?: string | undefined;
  signal?: AbortSignal | undefined;
}
