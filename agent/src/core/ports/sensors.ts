/** What the device's sensors and counters say now. Counters only grow; differences are taken by the caller. */
export interface SensorReading {
  cpuBusySeconds: number;
  cpuTotalSeconds: number;
  /** CPU time of all processes of the agent. */
  agentCpuSeconds: number;
  agentMemoryBytes: number;
  memoryAvailableBytes: number;
  diskFreeBytes: number;
  temperatureCelsius: number | null;
  throttled: boolean | null;
  /** Where there is one: its share of a full charge, and whether it is being charged. */
  battery?: { level: number; charging: boolean } | undefined;
  /** A counter of the energy of the whole device, where one can be read. */
  energyCounter: { joules: number; wrapsAtJoules: number; source: string } | null;
  /** A sensor of the power of the whole device, where one can be read. */
  powerWatts: { watts: number; source: string } | null;
}

export interface Sensors {
  read(): Promise<SensorReading>;
}
