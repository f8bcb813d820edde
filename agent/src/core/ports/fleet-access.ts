/** The few HTTP calls that a device makes before it can speak MQTT. Arguments and answers are checked by the caller. */
export interface FleetAccess {
  post(path: string, body: unknown): Promise<unknown>;
  get(path: string): Promise<unknown>;
}
