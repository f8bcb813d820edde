import { readFile } from 'node:fs/promises';

/** Linux counts the time of processes in hundredths of a second, whatever its own clock is (USER_HZ). */
const MS_PER_TICK = 10;

/** Processor time that this process and its children have used so far. Unlike frames/s it hardly depends on what else the machine does. */
export async function processorTimeMs(): Promise<number> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8');
  const pids = ['self', ...children.split(' ').filter((pid) => pid !== '')];
  const times = await Promise.all(pids.map(processorTimeOf));
  return times.reduce((sum, each) => sum + each, 0);
}

/** The same of one process alone. */
export async function processorTimeOf(pid: number | string): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the program is in brackets and may hold blanks; user and system time are the 12th and 13th field behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}
