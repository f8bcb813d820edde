/** What the page tells its worker first: where its files are, and the parameters of the pipeline that it does by hand. */
export interface RivalStart {
  detection: string;
  recognition: string;
  dictionary: string;
  threads: number;
}

export interface RivalRequest {
  name: string;
  file: File;
}

export type RivalReply = { type: 'ready' } | { type: 'read'; name: string; texts: string[] } | { type: 'failed'; reason: string };
