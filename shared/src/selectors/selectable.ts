import type { DeviceView } from '../http/devices.ts';
import type { SelectableDevice } from './selector.ts';

/** What selectors see of a device, from what the API shows of it. */
export function selectableOf(
  view: Pick<
    DeviceView,
    Exclude<keyof SelectableDevice, 'release' | 'arch' | 'cores' | 'memoryMebibytes' | 'providers'> | 'capabilities' | 'desired'
  >,
): SelectableDevice {
  const { id, name, profile, status, online, agentVersion, labels, capabilities, desired } = view;
  return {
    ...{ id, name, profile, status, online, agentVersion, labels },
    release: desired?.releaseName ?? '',
    arch: capabilities.architecture,
    cores: capabilities.cpu.cores,
    memoryMebibytes: Math.floor(capabilities.memory.totalBytes / 2 ** 20),
    providers: capabilities.executionProviders.filter(({ ran }) => ran).map(({ name }) => name),
  };
}
