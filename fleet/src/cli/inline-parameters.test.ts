import { expect, test } from 'vitest';
import { inlineParameters } from './inline-parameters.ts';

test('parameters become literals, and none of them ends its own quotes', () => {
  const sql = 'select $2::text, $1::bigint, $3::float8[], $4, $10';
  const params = [7, "it's '; drop table devices; --", [1.5, -2], null, 0, 0, 0, 0, 0, true];
  expect(inlineParameters(sql, params)).toBe(
    "select 'it''s ''; drop table devices; --'::text, 7::bigint, array[1.5, -2]::float8[], null, true",
  );
});

test('what is no literal is refused', () => {
  expect(() => inlineParameters('select $1', [{ a: 1 }])).toThrow(expect.objectContaining({ code: 'bad-parameter' }));
});
