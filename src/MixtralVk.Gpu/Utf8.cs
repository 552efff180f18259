using System.Runtime.InteropServices;

namespace MixtralVk.Gpu;

/// <summary>A zero-terminated UTF-8 copy of a string for a native call; freed on dispose.</summary>
internal readonly unsafe ref struct Utf8(string text)
{
    private readonly nint _bytes = Marshal.StringToCoTaskMemUTF8(text);

    public static implicit operator byte*(Utf8 s) => (byte*)s._bytes;

    public static string ToString(byte* bytes) => Marshal.PtrToStringUTF8((nint)bytes) ?? "";

    public void Dispose() => Marshal.FreeCoTaskMem(_bytes);
}
