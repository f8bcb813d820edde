import { Tabs } from '@mantine/core';
import { IconDeviceMobile, IconServer } from '@tabler/icons-react';
import { Panel } from '../../parts/panel.tsx';
import { BrowserToken } from './browser-token.tsx';
import { MachineToken } from './machine-token.tsx';

/** The two ways in: an agent that is installed on a machine, and one that runs in a browser. */
export function AddDevicePanel() {
  return (
    <Panel title="Add a device" note="Make a token, then run one command on the machine, or scan one code with the phone.">
      <Tabs defaultValue="machine" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="machine" leftSection={<IconServer size={16} aria-hidden />}>
            Machine
          </Tabs.Tab>
          <Tabs.Tab value="browser" leftSection={<IconDeviceMobile size={16} aria-hidden />}>
            Browser or phone
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="machine">
          <MachineToken />
        </Tabs.Panel>
        <Tabs.Panel value="browser">
          <BrowserToken />
        </Tabs.Panel>
      </Tabs>
    </Panel>
  );
}
