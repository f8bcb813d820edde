/** What the reconcile loop can do, as plain data: a plan can be shown, compared and tested. */
export interface StepArguments {
  /** Refuse what this agent cannot run, before the first byte is asked for. */
  'check-agent': object;
  'fetch-documents': object;
  /** Refuse what does not fit into the memory beside what runs. */
  'check-memory': object;
  /** Refuse what does not fit on the disk. */
  'check-space': object;
  'pull-blobs': object;
  load: object;
  'self-test': object;
  activate: object;
  /** Runs under watch: a crash in this time sends the device back. */
  probation: { lengthMs: number };
  /** From here on it is the last good release. */
  commit: object;
  /** Unloads another release that is still loaded. */
  retire: { release: string };
  'collect-garbage': object;
}

export type StepKind = keyof StepArguments;
export type Step = { [Kind in StepKind]: { kind: Kind; release: string } & StepArguments[Kind] }[StepKind];
