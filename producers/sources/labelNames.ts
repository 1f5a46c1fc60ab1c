import type { SourceNames } from '../../runtime/configuration/identity.ts'

type Labels = Readonly<Record<string, string>>

const ENVIRONMENT = ['environment', 'env', 'deployment_environment_name', 'deployment_environment']
const INSTANCE = ['app_kubernetes_io_instance', 'label_app_kubernetes_io_instance', 'k8s_app_instance']
const NAME = ['app_kubernetes_io_name', 'label_app_kubernetes_io_name', 'k8s_app_name']
const WORKLOAD = [
  'deployment',
  'statefulset',
  'daemonset',
  'cronjob',
  'k8s_deployment_name',
  'k8s_statefulset_name',
  'k8s_daemonset_name',
  'k8s_cronjob_name',
]
const OTEL_SERVICE = ['service_name', 'otel_service_name']

/** Every label that `namesOfLabels` reads. */
export const IDENTITY_LABELS = [...ENVIRONMENT, ...INSTANCE, ...NAME, ...WORKLOAD, ...OTEL_SERVICE, 'service', 'job']

/** What the labels of an alert or a scrape target say about the service they belong to. */
export function namesOfLabels(labels: Labels): SourceNames {
  const otelServiceName = first(labels, OTEL_SERVICE)
  const kubernetes = present({
    instance: first(labels, INSTANCE),
    name: first(labels, NAME),
    workload: first(labels, WORKLOAD),
  })
  const prometheus = present({ service: first(labels, ['service']), job: first(labels, ['job']) })
  return {
    environment: first(labels, ENVIRONMENT) ?? null,
    ...(otelServiceName === undefined ? {} : { otelServiceName }),
    ...(kubernetes === null ? {} : { kubernetes }),
    ...(prometheus === null ? {} : { prometheus }),
  }
}

function first(labels: Labels, names: readonly string[]): string | undefined {
  return names.map((name) => labels[name]).find((value) => value !== undefined && value !== '')
}

function present<K extends string>(names: Record<K, string | undefined>): Partial<Record<K, string>> | null {
  const told = Object.entries<string | undefined>(names).filter(([, value]) => value !== undefined)
  return told.length === 0 ? null : (Object.fromEntries(told) as Partial<Record<K, string>>)
}
