/** Files under /proc and /sys -> what the device's counters and sensors say now. */
export { createLinuxSensors } from './linux.ts';
