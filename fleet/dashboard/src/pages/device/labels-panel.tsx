import type { DeviceView } from '@starling/shared';
import { Facts } from '../../parts/facts.tsx';
import { Labels } from '../../parts/labels.tsx';
import { ExactMoment } from '../../parts/moment.tsx';
import { Panel } from '../../parts/panel.tsx';

/** How people tell this device from others. */
export function LabelsPanel({ device }: { device: DeviceView }) {
  return (
    <Panel title="About this device">
      <Facts
        facts={[
          ['Labels', <Labels key="labels" labels={device.labels} absent="none" />],
          // No browser tells the name of its machine.
          [device.capabilities.environment === 'browser' ? 'Enrolled as' : 'Host name', device.capabilities.hostName],
          ['Enrolled', <ExactMoment key="enrolled" atMs={device.enrolledAtMs} />],
          ['Profile', device.profile],
        ]}
      />
    </Panel>
  );
}
