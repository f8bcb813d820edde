import { StarlingError } from '@starling/shared';
import { type SQL, sql } from 'drizzle-orm';

const comparison = /^(?:(labels)(?:\.([A-Za-z_][\w]*)|\["([^"]+)"\])|(name|profile))\s*==\s*"([^"]*)"$/;

/** A selector as a condition on rows of `devices`: comparisons with a text, joined by `&&`; `true` for all. */
export async function matching(selector: string): Promise<SQL> {
  const conditions = selector.split('&&').map((part) => {
    const text = part.trim();
    if (text === 'true') return sql`true`;
    const [, isLabel, word, quoted, field, value = ''] = comparison.exec(text) ?? [];
    if (isLabel !== undefined) return sql`devices.labels @> ${JSON.stringify({ [word ?? quoted ?? '']: value })}::jsonb`;
    if (field === 'name') return sql`devices.name = ${value}`;
    if (field === 'profile') return sql`devices.profile = ${value}`;
    throw new StarlingError('bad-selector', `"${text}" is no comparison`, {
      field: 'selector',
      hint: 'write labels.site == "north", name == "gate-3" or profile == "raspberry-pi-5", joined by &&',
    });
  });
  return sql.join(conditions, sql` and `);
}
