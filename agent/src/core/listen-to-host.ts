/** What the runtime host tells -> telemetry, and those whom it concerns. */
import { type Capabilities, messageOf, type TelemetryKind, type TelemetryPayload } from '@starling/shared';
import type { Captures } from './captures/index.ts';
import type { Gatekeeper } from './placement/index.ts';
import type { Log } from './ports/log.ts';
import type { PipelineEnds } from './ports/pipeline-ends.ts';
import type { RuntimeHost } from './ports/runtime-host.ts';
import type { Challengers, Helping, Reconciler } from './reconcile/index.ts';
import { createFallbackEvents } from './sessions/index.ts';
import type { Spool } from './spool/index.ts';
import type { TapRelay } from './taps/index.ts';

interface HostListeners {
  record<Kind extends TelemetryKind>(kind: Kind, payload: TelemetryPayload<Kind>): void;
  event(level: 'info' | 'warning' | 'error', code: string, message: string, detail?: Record<string, unknown>): void;
  log: Log;
  reconciler: Reconciler;
  challengers: Challengers;
  helping: Helping;
  spool: Spool;
  taps: TapRelay;
  captures: Captures;
  capabilities(): Promise<Capabilities>;
  ends: PipelineEnds | undefined;
  gatekeeper: Gatekeeper;
}

export function listenToHost(
  host: RuntimeHost,
  { record, event, log, reconciler, challengers, helping, spool, taps, captures, capabilities, ends, gatekeeper }: HostListeners,
): void {
  const fallbackEvent = createFallbackEvents();
  host.onEvent((happened) => {
    switch (happened.type) {
      case 'record': {
        const payload = happened.kind === 'health' ? { ...(happened.payload as object), spoolBytes: spool.sizeBytes() } : happened.payload;
        return record(happened.kind, payload as never);
      }
      case 'crashed':
        log.warn('the runtime host ended', { reason: happened.reason, itemsFailed: happened.itemsFailed });
        reconciler.hostCrashed(happened.reason);
        challengers.hostCrashed(happened.reason, happened.arms);
        taps.hostEnded();
        captures.hostEnded();
        return event('error', 'host-crashed', happened.reason);
      case 'restarting':
        taps.hostEnded();
        captures.hostEnded();
        return;
      case 'recovered':
        log.info('the runtime host is back', { afterMs: Math.round(happened.afterMs) });
        return event('info', 'host-recovered', `after ${Math.round(happened.afterMs)} ms`);
      case 'reloaded':
        return reconciler.hostReloaded(helping.hostReloaded(challengers.hostReloaded(happened.releases)));
      case 'arm-failing':
        return challengers.failing(happened.key, happened.code);
      case 'fell-back': {
        const { model, from, to, reason } = happened;
        log.warn('a model does not run where it would be best', { model, from, to, reason });
        capabilities()
          .then(({ executionProviders }) => fallbackEvent({ model, from, to, reason }, executionProviders))
          .then((told) => told !== undefined && event('warning', 'provider-fell-back', told.message, told.detail))
          .catch((error: unknown) => log.warn('a fallback was not told', { reason: messageOf(error) }));
        return;
      }
      case 'tapped':
        if (!captures.receive(happened.message)) taps.relay(happened.message);
        return;
      case 'stream':
        return gatekeeper.send(happened);
      case 'deliver':
        return ends?.deliver(happened.release, happened.pipeline, happened.node, happened.values, happened.item);
      case 'result':
        return;
    }
  });
}
