/** How the words of types begin that the client shows in place of a field's own. */
export const SCALAR_COMMENTS: readonly string[] = ['IntOrString is a type that can hold', 'Quantity is a fixed-point', 'MicroTime is version of Time', 'Time is a wrapper around', 'FieldsV1 stores a set of fields', 'RawExtension is used to hold'];
