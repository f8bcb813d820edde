import type { Overview } from '@starling/shared';
import { counted, inWords, joulesOf, millisecondsOf, percentOf } from '../../format/quantity.ts';
import { FigureRow, FigureTile } from '../../parts/figure-tile.tsx';
import { TextLink } from '../../parts/link.tsx';

/** The figures of the whole fleet. */
export function FleetFigures({ overview: { devices, inference, energy, driftedDevices } }: { overview: Overview }) {
  const active = devices.total - devices.pending - devices.revoked;
  const attention = {
    failed: devices.failed,
    drifted: driftedDevices,
    pending: devices.pending,
    // Whoever closes a page that lends its machine, or ends a simulation, wants nobody to come and look.
    offline: active - devices.online - devices.closed - devices.ended,
  };
  const total = Object.values(attention).reduce((sum, count) => sum + count, 0);
  return (
    <FigureRow>
      <FigureTile
        label="Devices online"
        value={{ figure: counted(devices.online), unit: `of ${counted(active)}` }}
        note={
          <TextLink to="/devices" size="xs">
            All devices
          </TextLink>
        }
      />
      <FigureTile
        label="Running and verified"
        value={{ figure: counted(devices.running), unit: `of ${counted(active)}` }}
        note="online, self-test passed"
      />
      <FigureTile label="Need attention" value={{ figure: counted(total), unit: '' }} note={attentionNote(attention)} />
      <FigureTile label="Inferences" value={{ figure: counted(inference.itemsLastHour), unit: '' }} note="in the last hour" />
      <FigureTile
        label="Latency, median"
        value={millisecondsOf(inference.latencyMsP50)}
        note={`p95 ${inWords(millisecondsOf(inference.latencyMsP95))}`}
      />
      <FigureTile label="Energy" value={joulesOf(energy.joulesLastHour)} note={energyNote(energy)} />
    </FigureRow>
  );
}

function attentionNote(attention: Readonly<Record<string, number>>): string {
  const parts = Object.entries(attention).filter(([, count]) => count > 0);
  return parts.map(([what, count]) => `${counted(count)} ${what}`).join(', ') || 'all is well';
}

/** Modelled joules are an estimate and must never pass for measured ones. */
function energyNote({ joulesLastHour, measuredShare }: Overview['energy']): string {
  if (joulesLastHour === 0) return 'nothing reported';
  if (measuredShare === 0) return 'modelled';
  return measuredShare === 1 ? 'measured' : `${inWords(percentOf(measuredShare))} measured, rest modelled`;
}
