import { messageOf } from '@starling/shared';
import { type DrainPlan, startDrain } from './drain.ts';
import type { Sink, SinkItem, SinkPorts } from './sink.ts';
import { openSpool } from './spool.ts';

export interface SpooledSink {
  /** Names the files of the sink. */
  store: string;
  node: string;
  spoolMegabytes: number;
  retryDelayMs: number;
  retryDelayMaximumMs: number;
  maximumAgeMs: number;
  /** What is kept of a value, and where it goes. */
  pack(values: Readonly<Record<string, unknown>>, item: SinkItem): Promise<{ to: string; body: Uint8Array }>;
  send: DrainPlan['send'];
  close?(gone: boolean): Promise<void>;
}

/** A sink whose values wait on the disk: the pipeline is done with a value when it lies there. */
export function createSpooledSink(sink: SpooledSink, ports: SinkPorts): Sink {
  const { node } = sink;
  let waiting = (): number => 0;
  const opening = (async () => {
    const store = await ports.storeOf(sink.store);
    const spool = await openSpool({
      ...ports,
      files: store.files,
      maximumBytes: sink.spoolMegabytes * 1024 * 1024,
      onDropped: (count) =>
        ports.tell('error', 'sink-spool-full', `the spool of ${node} is full: its ${count} oldest values went`, { node, count }),
    });
    waiting = () => spool.waiting();
    return { spool, drain: startDrain({ ...ports, ...sink, spool }), free: store.free };
  })();
  opening.catch((error: unknown) => ports.tell('error', 'sink-failed', `${node}: ${messageOf(error)}`, { node }));
  return {
    async deliver(values, item) {
      const { to, body } = await sink.pack(values, item);
      const { spool } = await opening;
      await spool.append(to, body);
    },
    waiting: () => waiting(),
    async close(gone) {
      const opened = await opening.catch(() => undefined);
      await opened?.drain.close();
      await sink.close?.(gone);
      opened?.free();
    },
  };
}
