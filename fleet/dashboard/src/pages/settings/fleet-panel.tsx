import { Alert, Anchor, Stack, Text } from '@mantine/core';
import type { MeasuringSettings, Settings } from '@starling/shared';
import { useQuery } from '@tanstack/react-query';
import { read } from '../../data/queries.ts';
import { bytesOf, counted, inWords, percentOf } from '../../format/quantity.ts';
import { Digest } from '../../parts/digest.tsx';
import { Facts } from '../../parts/facts.tsx';
import { ExactMoment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';

const DAY_MS = 86_400_000;

/** Addresses, keys and storage of the fleet. */
export function FleetPanel() {
  const settings = useQuery(read('settings', {}));
  const overview = useQuery(read('overview', {}));
  return (
    <Panel title="Fleet">
      <QueryView query={settings} heightPx={420}>
        {(facts) => <FleetFacts settings={facts} version={overview.data?.version} />}
      </QueryView>
    </Panel>
  );
}

function FleetFacts({ settings, version }: { settings: Settings; version: string | undefined }) {
  const { addresses, root, rootDigest, certificateDigest, blobs } = settings;
  return (
    <Stack gap="sm">
      {settings.demoKeys && (
        <Alert variant="outline" color="yellow" title="Demo keys" styles={{ title: { color: 'var(--mantine-color-text)' } }}>
          <Text size="sm">
            Root and publisher keys lie beside this fleet, where the demo made them. They are for trying out: for real use start a fleet of
            its own with <code className="mono">npm run fleet</code>, and make its keys where only you reach them, with{' '}
            <code className="mono">starling key create --root</code>.
          </Text>
        </Alert>
      )}
      <Facts
        facts={[
          ['Version', version],
          [
            'Fleet id',
            <span key="id" className="mono">
              {settings.fleetId}
            </span>,
          ],
          ['Address', settings.publicUrl],
          ['HTTP here', addresses.http],
          ['HTTPS', addresses.https],
          ['MQTT over TLS', addresses.mqtts],
          ['MQTT over WebSocket', addresses.wss],
          ['Database', settings.database],
          ['Blobs', `${counted(blobs.chunks)} chunks, ${inWords(bytesOf(blobs.storedBytes))} stored`],
          ['Devices measure', measuringWords(settings.measuring)],
          ['Root document', root === null ? 'not published yet' : `version ${root.version}`],
          ['Root ends', root === null ? undefined : <ExactMoment key="ends" atMs={root.expiresAtMs} />],
          ['Root digest', rootDigest === null ? undefined : <Digest key="root" value={rootDigest} />],
          ['Own authority', certificateDigest === null ? 'none: given certificates' : <Digest key="authority" value={certificateDigest} />],
          [
            'API',
            <Anchor key="api" href="/api/docs" size="sm">
              Interactive documents
            </Anchor>,
          ],
        ]}
      />
    </Stack>
  );
}

/** How much devices measure by themselves. It is set where the fleet is started. */
function measuringWords({ devicesPerProfile, bytesPerDay, loadShare, againMs }: MeasuringSettings): string {
  if (devicesPerProfile === 0) return 'only when somebody asks them';
  const devices = `${counted(devicesPerProfile)} ${devicesPerProfile === 1 ? 'device' : 'devices'} of each profile`;
  return `${devices}, again after ${counted(Math.round(againMs / DAY_MS))} days; at most ${inWords(percentOf(loadShare))} of a processor and ${inWords(bytesOf(bytesPerDay))} a day`;
}
