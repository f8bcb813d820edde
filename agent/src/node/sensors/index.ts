/** Files under /proc and /sys -> what the device's counters and sensors say now. */
export { readMemoryShare } from './control-group.ts';
export { createLinuxSensors } from './linux.ts';
