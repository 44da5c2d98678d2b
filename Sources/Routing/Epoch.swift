/// Number of a published snapshot; only ever grows. 0 = nothing published yet.
package typealias Epoch = UInt64
