Console.WriteLine("mixtralvk");
