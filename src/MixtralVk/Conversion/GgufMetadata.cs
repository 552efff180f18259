using System.Text;
using MixtralVk.Loading;

namespace MixtralVk.Conversion;

/// <summary>Metadata of a GGUF file to be written, in order. Checks nothing, not even that a key is there once.</summary>
internal sealed class GgufMetadata
{
    private readonly List<(string Key, GgufValueType Type, Action<BinaryWriter> Write)> _values = [];

    /// <summary>Number of values.</summary>
    public int Count => _values.Count;

    public GgufMetadata Add(string key, uint value) => Add(key, GgufValueType.UInt32, w => w.Write(value));
    public GgufMetadata Add(string key, int value) => Add(key, GgufValueType.Int32, w => w.Write(value));
    public GgufMetadata Add(string key, ulong value) => Add(key, GgufValueType.UInt64, w => w.Write(value));
    public GgufMetadata Add(string key, float value) => Add(key, GgufValueType.Float32, w => w.Write(value));
    public GgufMetadata Add(string key, bool value) => Add(key, GgufValueType.Bool, w => w.Write(value));
    public GgufMetadata Add(string key, string value) => Add(key, GgufValueType.String, w => WriteText(w, value));
    public GgufMetadata Add(string key, IReadOnlyList<string> values) => AddArray(key, GgufValueType.String, values, WriteText);
    public GgufMetadata Add(string key, IReadOnlyList<float> values) => AddArray(key, GgufValueType.Float32, values, (w, v) => w.Write(v));
    public GgufMetadata Add(string key, IReadOnlyList<int> values) => AddArray(key, GgufValueType.Int32, values, (w, v) => w.Write(v));

    /// <summary>Adds a value of any type; <paramref name="write"/> writes what follows the type.</summary>
    public GgufMetadata Add(string key, GgufValueType type, Action<BinaryWriter> write)
    {
        _values.Add((key, type, write));
        return this;
    }

    /// <summary>Adds all values of another file's metadata.</summary>
    public GgufMetadata Add(GgufMetadata other)
    {
        _values.AddRange(other._values);
        return this;
    }

    /// <summary>Takes values out again.</summary>
    public GgufMetadata Remove(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys) _values.RemoveAll(value => value.Key == key);
        return this;
    }

    /// <summary>All values of an opened file, whatever their types; arrays are read when they are written.</summary>
    public static GgufMetadata CopyOf(GgufFile file)
    {
        var metadata = new GgufMetadata();
        foreach ((string key, GgufValue value) in file.Metadata) metadata.Add(key, value.Type, w => Write(w, file, value));
        return metadata;
    }

    /// <summary>Writes keys, types and values.</summary>
    public void Write(BinaryWriter writer)
    {
        foreach ((string key, GgufValueType type, Action<BinaryWriter> write) in _values)
        {
            WriteText(writer, key);
            writer.Write((uint)type);
            write(writer);
        }
    }

    /// <summary>A string: its bytes in UTF-8, their number first.</summary>
    public static void WriteText(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private GgufMetadata AddArray<T>(string key, GgufValueType type, IReadOnlyList<T> values, Action<BinaryWriter, T> write) =>
        Add(key, GgufValueType.Array, w =>
        {
            w.Write((uint)type);
            w.Write((ulong)values.Count);
            foreach (T value in values) write(w, value);
        });

    private static void Write(BinaryWriter writer, GgufFile file, GgufValue value)
    {
        switch (value.Type)
        {
            case GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool: writer.Write((byte)value.Bits); break;
            case GgufValueType.UInt16 or GgufValueType.Int16: writer.Write((short)value.Bits); break;
            case GgufValueType.UInt32 or GgufValueType.Int32: writer.Write((int)value.Bits); break;
            case GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64: writer.Write(value.Bits); break;
            case GgufValueType.Float32: writer.Write((float)value.Number!.Value); break;
            case GgufValueType.String: WriteText(writer, value.Text!); break;
            case GgufValueType.Array:
                writer.Write((uint)value.ElementType);
                writer.Write((ulong)value.Count);
                writer.Write(file.ArrayBytes(value));
                break;
        }
    }
}
