/** Results of a pipeline and the publisher's policy -> what may leave the device. */
export { createEgressGate, type EgressGate, requireCaptureAllowed } from './gate.ts';
export { createVisiblePorts, type VisiblePorts } from './visible-ports.ts';
