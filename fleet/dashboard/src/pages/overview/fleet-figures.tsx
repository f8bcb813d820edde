import type { Overview } from '@starling/shared';
import { counted, inWords, joulesOf, millisecondsOf, percentOf } from '../../format/quantity.ts';
import { FigureRow, FigureTile } from '../../parts/figure-tile.tsx';
import { TextLink } from '../../parts/link.tsx';

/** The figures of the whole fleet. */
export function FleetFigures({ overview: { devices, inference, energy, drifted } }: { overview: Overview }) {
  const attention = devices.failed + devices.pending + new Set(drifted.map(({ device }) => device)).size;
  const active = devices.total - devices.pending - devices.revoked;
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
        note="self-test passed"
      />
      <FigureTile label="Need attention" value={{ figure: counted(attention), unit: '' }} note={attentionNote(devices, drifted.length)} />
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

function attentionNote({ failed, pending }: Overview['devices'], drifted: number): string {
  const parts = [
    failed > 0 && `${counted(failed)} failed`,
    pending > 0 && `${counted(pending)} pending`,
    drifted > 0 && `${counted(drifted)} drifted`,
  ];
  return parts.filter((part) => part !== false).join(', ') || 'all is well';
}

/** Modelled joules are an estimate and must never pass for measured ones. */
function energyNote({ joulesLastHour, measuredShare }: Overview['energy']): string {
  if (joulesLastHour === 0) return 'nothing reported';
  if (measuredShare === 0) return 'modelled';
  return measuredShare === 1 ? 'measured' : `${inWords(percentOf(measuredShare))} measured, rest modelled`;
}
