import type { EvaluationMetric } from '@starling/shared';

export const metricWords: Record<EvaluationMetric, string> = {
  accuracy: 'accuracy',
  'mean-average-precision': 'mean average precision',
  'exact-match': 'exact match',
  'character-error-rate': 'character error rate',
  'mean-absolute-error': 'mean absolute error',
  similarity: 'similarity of the answers',
};
