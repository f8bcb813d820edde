/** A profile, a number and how devices behave -> processes of devices that speak the protocol of agents -> what they did. */
export { type BehaviourOptions, defaultBehaviour } from './behaviour.ts';
export { type Crowd, type CrowdOptions, startCrowd } from './crowd.ts';
export { createDeviceIdentity, type DeviceIdentity, type EnrolmentChange, type LoginChange } from './identity.ts';
export type { CrowdFigures, ReleaseFacts } from './messages.ts';
export { type MqttSession, openMqttSession, type SessionOptions } from './mqtt-session.ts';
export { capabilitiesOfProfile, SIMULATOR_MARK } from './profile-capabilities.ts';
