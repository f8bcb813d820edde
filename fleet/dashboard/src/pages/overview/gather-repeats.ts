/** What can be said twice: who did what to what. */
interface Said {
  actor: string;
  action: string;
  subject: string;
}

/** Newest first: the same thing said again in a row is one entry, at its newest time, with how often. */
export function gatherRepeats<Entry extends Said>(entries: readonly Entry[]): { entry: Entry; times: number }[] {
  const gathered: { entry: Entry; times: number }[] = [];
  for (const entry of entries) {
    const last = gathered.at(-1);
    if (last !== undefined && isSame(last.entry, entry)) last.times += 1;
    else gathered.push({ entry, times: 1 });
  }
  return gathered;
}

function isSame(one: Said, other: Said): boolean {
  return one.actor === other.actor && one.action === other.action && one.subject === other.subject;
}
