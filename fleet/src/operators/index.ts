/** Messages of people's own MQTT tools -> who they are and what they may -> commands, and their answers back. */
export { createOperatorAccounts, type OperatorAccounts } from './accounts.ts';
export { createOperatorRelay, type OperatorRelay } from './relay.ts';
