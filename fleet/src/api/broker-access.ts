import { jsonDecode, StarlingError } from '@starling/shared';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { readBounded } from '../bounded-body.ts';
import { type AskedByBroker, isSame, topicOfRoutingKey } from '../broker/index.ts';

export interface BrokerAccessPorts {
  asked: AskedByBroker;
  /** In the path: brokers can be given an address, hardly ever a header. */
  secret: string;
}

const BODY_BYTES_MAXIMUM = 16 * 1024;

const loginSchema = z.object({ username: z.string(), password: z.string().default(''), client_id: z.string().optional() });
const namedSchema = z.object({ username: z.string() });
const resourceSchema = z.object({ username: z.string(), resource: z.string(), name: z.string(), permission: z.string() });
const topicSchema = z.object({ username: z.string(), permission: z.enum(['read', 'write', 'configure']), routing_key: z.string() });
const emqxLoginSchema = z.object({ username: z.string(), password: z.string().default(''), clientid: z.string() });
const emqxTopicSchema = z.object({ username: z.string(), action: z.enum(['publish', 'subscribe']), topic: z.string() });

/**
 * What brokers ask over HTTP: `rabbitmq/{user,vhost,resource,topic}` as rabbitmq_auth_backend_http does, `emqx/{authentication,
 * authorization}` as EMQX 5 does. Whoever does not know the secret learns nothing, not even that something is here.
 */
export function brokerAccessRoutes({ asked, secret }: BrokerAccessPorts): Hono {
  const app = new Hono();
  app.use('/:secret/*', async (context, next) => {
    if (isSame(context.req.param('secret'), secret)) await next();
    else context.res = await context.notFound();
  });
  const rabbit = <Schema extends z.ZodType>(name: string, schema: Schema, judge: (given: z.infer<Schema>) => Promise<boolean> | boolean) =>
    app.post(`/:secret/rabbitmq/${name}`, async (context) => {
      const { data } = schema.safeParse(Object.fromEntries(new URLSearchParams(await textOf(context))));
      return context.text(data !== undefined && (await judge(data)) ? 'allow' : 'deny');
    });
  rabbit('user', loginSchema, ({ username, password, client_id }) => asked.mayLogIn(username, password, client_id));
  rabbit('vhost', namedSchema, ({ username }) => asked.isKnown(username));
  rabbit('resource', resourceSchema, ({ username, resource, name, permission }) =>
    asked.mayUseResource(username, { kind: resource, name, permission }),
  );
  rabbit('topic', topicSchema, ({ username, permission, routing_key }) => {
    const topic = topicOfRoutingKey(routing_key);
    return (
      topic !== undefined && permission !== 'configure' && asked.mayUse(username, permission === 'write' ? 'publish' : 'subscribe', topic)
    );
  });
  const emqx = <Schema extends z.ZodType>(name: string, schema: Schema, judge: (given: z.infer<Schema>) => Promise<boolean> | boolean) =>
    app.post(`/:secret/emqx/${name}`, async (context) => {
      const given = jsonDecode(new TextEncoder().encode(await textOf(context)), schema) as z.infer<Schema>;
      return context.json({ result: (await judge(given)) ? 'allow' : 'deny' });
    });
  emqx('authentication', emqxLoginSchema, ({ username, password, clientid }) => asked.mayLogIn(username, password, clientid));
  emqx('authorization', emqxTopicSchema, ({ username, action, topic }) => asked.mayUse(username, action, topic));
  return app;
}

async function textOf(context: Context): Promise<string> {
  const tooLarge = (): StarlingError => new StarlingError('upload-too-large', 'no broker asks that much', { field: 'body' });
  return Buffer.from(await readBounded(context.req.raw.body, BODY_BYTES_MAXIMUM, tooLarge)).toString('utf8');
}
