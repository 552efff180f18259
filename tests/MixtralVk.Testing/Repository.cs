namespace MixtralVk.Testing;

/// <summary>The repository the test runs in.</summary>
internal static class Repository
{
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    private static string Find(string folder) => File.Exists(Path.Combine(folder, "MixtralVk.sln")) ? folder
        : Find(Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("No folder above the tests holds MixtralVk.sln."));
}
