import { z } from 'zod';
import { nameSchema } from '../ids.ts';

/**
 * How sources and sinks reach what lies outside the agent. A pipeline is signed, stored and shown: an address may stand in it, or a
 * parameter that the device fills in, but never a password. Those lie on the device, and are named.
 */
export const credentialsNameSchema = nameSchema.meta({
  description: 'Name of an entry in the credentials file of the device; the pipeline itself never holds a password',
});

/** An address without user or password. @param schemes e.g. `https?` */
export function addressSchema(schemes: string, example: string) {
  return z
    .string()
    .max(2000)
    .regex(new RegExp(`^(?:${schemes})://[^\\s/]`), `write an address such as ${example}`)
    .refine(
      (text) => !/^[^/]*\/\/[^/?#]*@/.test(text),
      'no user or password in the address: name an entry of the credentials file instead',
    );
}

/** A part of a topic: no character that means something to a broker. */
const topicText = z
  .string()
  .min(1)
  .max(500)
  .refine((text) => !text.includes('\u0000'), 'a topic has no zero character');

/** Topic filter, MQTT 3.1.1, section 4.7: `+` fills a level, `#` the last one. */
export const topicFilterSchema = topicText.refine(
  (text) =>
    text.split('/').every((level, index, levels) => !/[+#]/.test(level) || level === '+' || (level === '#' && index === levels.length - 1)),
  '+ stands alone in its level, # alone in the last one',
);

/** Topic to publish to; `{name}` is replaced by a field of the item or of its value. */
export const topicTemplateSchema = topicText
  .refine((text) => !/[+#]/.test(text), 'values are published to a topic, not to a filter: no + and no #')
  .refine((text) => !/[{}]/.test(text.replaceAll(/\{[A-Za-z_][A-Za-z0-9_.]*\}/g, '')), 'fields are written {name} or {value.name}');

/** What every connection to a broker of the user is opened with. It is never the connection to the fleet. */
export const brokerParams = {
  url: addressSchema('mqtts?|wss?', 'mqtt://broker.local:1883').meta({ description: 'Broker: mqtt, mqtts, ws or wss' }),
  credentials: credentialsNameSchema.optional(),
  clientId: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .meta({ description: 'As the broker sees the connection; without it one that follows from device and node' }),
};
