// What does not fit its definition.

export interface ShapeError {
  /** `spec.containers[0].image` */
  field: string;
  value: unknown;
  /** `json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string` */
  message: string;
  /** The same in the words of apimachinery's converter from unstructured content, which decodes what a strategic patch has made. */
  conversion?: string;
}

export interface Shape {
  /** In document order. Upstream's decoder reports the first only: `errors[0].message`. */
  errors: ShapeError[];
  /** Paths of unknown fields, for `unknown field "spec.foo"`. At most 100, as upstream's. */
  unknown: string[];
  /** Where every unknown field stands, to take it away: decoders drop what they do not know. */
  strays: { owner: Record<string, unknown>; name: string }[];
}
